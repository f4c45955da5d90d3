"""The wire: one module per noun of Comet's API, with `rest` for REST v2 and `clientlib` for the SDK's own protocol."""
