"""The durable log on disk that is the queue between a logging call and Comet."""
