# Two commands from a fresh clone: `make run` and `make test`. Options: make run ARGS="--demo none"
.PHONY: run test lint sync lock

run test lint sync lock:
	@./dev $@ $(ARGS)
