// What Relay's compiler reads; the tests load its artifacts, so that no Babel plugin is needed here.
import { graphql } from "relay-runtime";

export const page = graphql`
  query documentsPageQuery($first: Int!, $after: String) {
    ...documentsList_query @arguments(first: $first, after: $after)
  }
`;

export const list = graphql`
  fragment documentsList_query on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" })
  @refetchable(queryName: "documentsListPaginationQuery") {
    customers(first: $first, after: $after, orderBy: { field: NAME }) @connection(key: "documentsList_customers") {
      totalCount {
        value
      }
      edges {
        node {
          id
          ...documentsCard_customer
        }
      }
    }
  }
`;

export const card = graphql`
  fragment documentsCard_customer on Customer
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "documentsCardRefetchQuery") {
    name
    version
    dateOfBirth
    journey {
      stage {
        name
      }
    }
    orders(first: $count, after: $cursor) @connection(key: "documentsCard_orders") {
      edges {
        node {
          amount
          status
        }
      }
    }
  }
`;

export const update = graphql`
  mutation documentsUpdateMutation($input: CustomerUpdateInput!) {
    customerUpdate(input: $input) {
      customer {
        ...documentsCard_customer
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;

export const note = graphql`
  query documentsNotesQuery($id: ID!) {
    node(id: $id) {
      ... on Customer {
        id
        notes(first: 10) @connection(key: "documents_notes") {
          edges {
            node {
              body
            }
          }
        }
      }
    }
  }
`;

export const addNote = graphql`
  mutation documentsAddNoteMutation($input: CustomerNoteAddInput!, $connections: [ID!]!) {
    customerNoteAdd(input: $input) {
      note @prependNode(connections: $connections, edgeTypeName: "CustomerNoteEdge") {
        body
      }
      userErrors {
        message
      }
    }
  }
`;
