// PostGraphile 5 as its documentation sets it up for production: its own server, pool and per-request settings.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const pgSettings = { "app.organization": process.env.ORGANIZATION };

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public", "peers"],
      pubsub: false,
      poolConfig: { max: 10, options: "-c role=wayfare_app -c jit=off" },
    }),
  ],
  grafast: { context: () => ({ pgSettings }), explain: false },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
};

const served = postgraphile(preset).createServ(grafserv);
const server = createServer();
await served.addTo(server);
server.keepAliveTimeout = 600_000;
server.listen(Number(process.env.PORT), "127.0.0.1");
