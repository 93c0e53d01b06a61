# Two commands from a fresh clone: `make run` and `make test`. Options: make run ARGS="--demo none"
.PHONY: run test clients lint sync lock bench

run test clients lint sync lock bench:
	@./dev $@ $(ARGS)

# The page at /graphql; its result, app/graphiql/dist, is committed, so only a change of the page needs Node.
.PHONY: graphiql
graphiql:
	cd app/graphiql && npm ci --no-audit --no-fund && npm run build
