// The operations of a small application: a list in pages, one customer, and changes to it.
import { graphql } from "./generated";

export const CustomerCard = graphql(`
  fragment CustomerCard on Customer {
    id
    name
    email
    version
    tags {
      id
      name
    }
    metrics {
      lifetimeValue
      orderCount
      lastOrderAt
    }
    journey {
      id
      stage {
        id
        name
      }
    }
  }
`);

export const CustomersPage = graphql(`
  query CustomersPage($first: Int, $after: String, $last: Int, $before: String, $orderBy: CustomerOrder, $where: CustomerWhereInput) {
    customers(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, where: $where) {
      totalCount {
        value
        precision
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        cursor
        node {
          ...CustomerCard
        }
      }
    }
  }
`);

export const CustomerById = graphql(`
  query CustomerById($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...CustomerCard
    }
  }
`);

export const CustomerUpdate = graphql(`
  mutation CustomerUpdate($input: CustomerUpdateInput!) {
    customerUpdate(input: $input) {
      customer {
        id
        name
        version
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

export const CustomerTag = graphql(`
  mutation CustomerTag($input: CustomerTagInput!) {
    customerTag(input: $input) {
      customers {
        id
        tags {
          id
          name
        }
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

export const SegmentPreview = graphql(`
  query SegmentPreview($condition: SegmentConditionInput!) {
    segmentPreview(condition: $condition, sample: 3) {
      conditionText
      count {
        value
        precision
      }
      sample {
        id
        name
      }
    }
  }
`);

export const Viewer = graphql(`
  query Viewer {
    viewer {
      scopes
      organization {
        id
        name
      }
    }
  }
`);

export const ScoresRecalculate = graphql(`
  mutation ScoresRecalculate {
    scoresRecalculate(input: {}) {
      bulkOperation {
        id
      }
      userErrors {
        code
        message
      }
    }
  }
`);

export const Progress = graphql(`
  subscription Progress($id: ID) {
    bulkOperationProgressed(id: $id) {
      delivery
      bulkOperation {
        id
        state
        progress
      }
    }
  }
`);
