"""What `zenml-comet doctor` finds out, stage by stage.

`examination` puts the stages in order, `subject` finds what is examined, `network` and `account` ask the server,
`machine` looks at this machine and at ZenML's row of our flavor. Each answers with `findings`.
"""
