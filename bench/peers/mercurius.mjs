// Mercurius on Fastify, its JIT and its loaders on: Wayfare's own documents over hand-written batched statements.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

// Timestamps, dates and amounts stay the text that Postgres sends, as PostGraphile has them too: parsing costs time.
for (const type of [pg.types.builtins.TIMESTAMPTZ, pg.types.builtins.DATE]) pg.types.setTypeParser(type, String);

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 10,
  options: "-c role=wayfare_app -c jit=off",
});
const BEGIN = `begin; set local app.organization = '${process.env.ORGANIZATION}'`;

/** Runs one prepared statement in a transaction of the organization. */
async function rows(name, text, values) {
  const client = await pool.connect();
  try {
    const [, result] = await Promise.all([
      client.query(BEGIN),
      client.query({ name, text, values }),
      client.query("commit"),
    ]);
    return result.rows;
  } finally {
    client.release();
  }
}

/** A loader of one row for each parent, found by `key(parent)` among rows whose `parent` column says it. */
function one(name, text, key = (parent) => parent.id) {
  return {
    opts: { cache: false },
    async loader(queries) {
      const keys = queries.map(({ obj }) => key(obj));
      const found = new Map((await rows(name, text, [keys])).map((row) => [row.parent, row]));
      return keys.map((id) => found.get(id) ?? null);
    },
  };
}

/** A loader of the first rows of each parent, newest first; `first` is the statement's second parameter. */
function many(name, text) {
  return {
    opts: { cache: false },
    async loader(queries) {
      const ids = queries.map(({ obj }) => obj.id);
      const lists = new Map(ids.map((id) => [id, []]));
      for (const row of await rows(name, text, [ids, queries[0].params.first])) lists.get(row.parent).push(row);
      return ids.map((id) => ({ nodes: lists.get(id) }));
    },
  };
}

const schema = `
  type Query {
    customers(first: Int!, after: String, search: String, orderBy: CustomerOrder): CustomerConnection!
    customer(by: Identifier!): Customer
    segment(by: Identifier!): Segment
    stageDistribution: [StageCount!]!
  }
  input CustomerOrder { field: CustomerOrderField! direction: Direction! }
  enum CustomerOrderField { CREATED_AT NAME }
  enum Direction { ASC DESC }
  input Identifier { id: ID! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type CustomerConnection { nodes: [Customer!]! pageInfo: PageInfo! }
  type Customer {
    id: ID! externalId: String name: String email: String phone: String dateOfBirth: String
    city: String country: String loyaltyLevel: String createdAt: String! acquiredAt: String!
    metrics: Metrics
    journey: Journey
    segments(first: Int!): MembershipConnection!
    orders(first: Int!): OrderConnection!
    messages(first: Int!): MessageConnection!
    notes(first: Int!): NoteConnection!
  }
  type Metrics {
    lifetimeValue: String! orderCount: Int! appointmentCount: Int! firstOrderAt: String lastOrderAt: String
  }
  type Journey { stageEnteredAt: String! stage: Stage! transitions(first: Int!): TransitionConnection! }
  type Stage { key: String! name: String! }
  type StageCount { customers: Int! stage: Stage! }
  type TransitionConnection { nodes: [Transition!]! }
  type Transition { enteredAt: String! exitedAt: String trigger: String! toStage: Stage! }
  type Segment { id: ID! name: String! memberCount: Int! members(first: Int!): MembershipConnection! }
  type MembershipConnection { nodes: [Membership!]! }
  type Membership { enteredAt: String! source: String! segment: Segment! customer: Customer! }
  type OrderConnection { nodes: [Order!]! }
  type Order { occurredAt: String! status: String amount: String }
  type MessageConnection { nodes: [Message!]! }
  type Message { status: String! sentAt: String campaign: Campaign! }
  type Campaign { name: String! }
  type NoteConnection { nodes: [Note!]! }
  type Note { body: String! author: String! createdAt: String! }
`;

const CUSTOMER = `c.id, c.external_id as "externalId", c.name, c.email, c.phone, c.date_of_birth as "dateOfBirth", c.city,
  c.country, c.loyalty_level as "loyaltyLevel", c.created_at as "createdAt", c.acquired_at as "acquiredAt"`;

const PAGES = {
  CREATED_AT: `select ${CUSTOMER} from customer c order by c.created_at, c.id limit $1`,
  after: `select ${CUSTOMER} from customer c where (c.created_at, c.id) > ($2, $3)
          order by c.created_at, c.id limit $1`,
  search: `select ${CUSTOMER} from customer c where c.id in (select peers.find_customers($2, $3))
           order by c.name collate "C", c.id limit $1`,
};

function page(first, found, cursor) {
  const nodes = found.slice(0, first);
  const last = nodes.at(-1);
  const endCursor = last && Buffer.from(JSON.stringify(cursor(last))).toString("base64url");
  return { nodes, pageInfo: { hasNextPage: found.length > first, endCursor } };
}

const byCreation = (customer) => [customer.createdAt, customer.id];
const byName = (customer) => [customer.name, customer.id];

const resolvers = {
  Query: {
    async customers(_, { first, after, search }) {
      if (search) {
        return page(first, await rows("search", PAGES.search, [first + 1, ...search.split(" ")]), byName);
      }
      if (!after) return page(first, await rows("first", PAGES.CREATED_AT, [first + 1]), byCreation);
      const cursor = JSON.parse(Buffer.from(after, "base64url").toString());
      return page(first, await rows("after", PAGES.after, [first + 1, ...cursor]), byCreation);
    },
    async customer(_, { by }) {
      return (await rows("customer", `select ${CUSTOMER} from customer c where c.id = $1`, [by.id]))[0];
    },
    async segment(_, { by }) {
      const text = `select id, name, member_count as "memberCount" from segment where id = $1`;
      return (await rows("segment", text, [by.id]))[0];
    },
    async stageDistribution() {
      const text = `select coalesce(j.customers, 0)::integer as customers, s.key, s.name from journey_stage s
        left join (select stage_id, sum(customers) as customers from journey_count group by stage_id) j on j.stage_id = s.id
        order by s.position`;
      return (await rows("stages", text)).map(({ customers, ...stage }) => ({ customers, stage }));
    },
  },
};

const STAGE = "select id as parent, key, name from journey_stage where id = any($1::uuid[])";

const loaders = {
  Customer: {
    metrics: one(
      "metrics",
      `select customer_id as parent, lifetime_value as "lifetimeValue", order_count as "orderCount",
              appointment_count as "appointmentCount", first_order_at as "firstOrderAt", last_order_at as "lastOrderAt"
       from customer_metrics where customer_id = any($1::uuid[]) and brand_id is null`,
    ),
    journey: one(
      "journey",
      `select customer_id as parent, id, stage_id as "stageId", stage_entered_at as "stageEnteredAt"
       from journey where customer_id = any($1::uuid[])`,
    ),
    segments: many(
      "segments",
      `select k.id as parent, m.* from unnest($1::uuid[]) k(id) cross join lateral (
         select segment_id as "segmentId", source, entered_at as "enteredAt" from segment_membership
         where customer_id = k.id order by entered_at desc, segment_id desc limit $2) m`,
    ),
    orders: many(
      "orders",
      `select k.id as parent, f.* from unnest($1::uuid[]) k(id) cross join lateral (
         select occurred_at as "occurredAt", status, amount from fact where customer_id = k.id and kind = 'ORDER'
         order by occurred_at desc, id desc limit $2) f`,
    ),
    messages: many(
      "messages",
      `select k.id as parent, m.* from unnest($1::uuid[]) k(id) cross join lateral (
         select campaign_id as "campaignId", status, sent_at as "sentAt" from message where customer_id = k.id
         order by id desc limit $2) m`,
    ),
    notes: many(
      "notes",
      `select k.id as parent, n.* from unnest($1::uuid[]) k(id) cross join lateral (
         select body, author, created_at as "createdAt" from customer_note where customer_id = k.id
         order by created_at desc, id desc limit $2) n`,
    ),
  },
  Journey: {
    stage: one("stage", STAGE, (journey) => journey.stageId),
    transitions: many(
      "transitions",
      `select k.id as parent, t.* from unnest($1::uuid[]) k(id) cross join lateral (
         select to_stage_id as "toStageId", entered_at as "enteredAt", exited_at as "exitedAt", trigger
         from stage_transition where journey_id = k.id order by seq desc limit $2) t`,
    ),
  },
  Transition: { toStage: one("to_stage", STAGE, (transition) => transition.toStageId) },
  Membership: {
    segment: one(
      "segment_of",
      `select id as parent, name, member_count as "memberCount" from segment where id = any($1::uuid[])`,
      (membership) => membership.segmentId,
    ),
    customer: one(
      "customer_of",
      `select c.id as parent, ${CUSTOMER} from customer c where c.id = any($1::uuid[])`,
      (membership) => membership.customerId,
    ),
  },
  Message: {
    campaign: one(
      "campaign",
      "select id as parent, name from campaign where id = any($1::uuid[])",
      (message) => message.campaignId,
    ),
  },
  Segment: {
    members: many(
      "members",
      `select k.id as parent, m.* from unnest($1::uuid[]) k(id) cross join lateral (
         select customer_id as "customerId", source, entered_at as "enteredAt"
         from segment_membership where segment_id = k.id order by entered_at desc, customer_id desc limit $2) m`,
    ),
  },
};

const app = Fastify({ keepAliveTimeout: 600_000 });
await app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
