// The state API over gRPC: messages become calls of a store, what is stored messages.
import type { MessageShape } from '@bufbuild/protobuf';
import {
  StateOptions_StateConcurrency as Concurrency,
  StateOptions_StateConsistency as Consistency,
  type StateItemSchema,
  type StateOptions,
} from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
import type { TransactionalStateOperationSchema } from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import { writeEach, type DeleteRequest, type Operation } from '../state/store.ts';
import type { ApiContext } from './context.ts';
import {
  operationUnknown,
  stateBulkDeleteFailed,
  stateDeleteFailed,
  stateKeyEmpty,
  stateSaveFailed,
  transactionFailed,
} from './fault.ts';
import type { GrpcMethods } from './grpc-method.ts';
import { findStore, parseQueryOf, toExpiry } from './state-store.ts';

type StateMethod =
  | 'getState'
  | 'getBulkState'
  | 'saveState'
  | 'deleteState'
  | 'deleteBulkState'
  | 'executeStateTransaction'
  | 'queryStateAlpha1';

export function stateMethods(context: ApiContext): Pick<GrpcMethods, StateMethod> {
  return {
    async getState({ request }) {
      const item = await findStore(context, request.storeName).get(request.key);
      if (item === undefined) return {};
      return { data: item.data, etag: item.etag, metadata: toExpiry(item) };
    },

    async getBulkState({ request }) {
      const store = findStore(context, request.storeName);
      const items = await Promise.all(
        request.keys.map(async (key) => {
          const item = await store.get(key);
          if (item === undefined) return { key };
          return { key, data: item.data, etag: item.etag, metadata: toExpiry(item) };
        }),
      );
      return { items };
    },

    async saveState({ request }) {
      const store = findStore(context, request.storeName);
      if (request.states.some(({ key }) => key === '')) throw stateKeyEmpty();
      const requests = request.states.map((item) => ({
        ...toRequest(item),
        data: toSavedData(item),
      }));
      await writeEach(requests, (one) => store.set(one)).catch((thrown: unknown) => {
        throw stateSaveFailed(store.name, thrown);
      });
      return {};
    },

    async deleteState({ request }) {
      const store = findStore(context, request.storeName);
      await store.delete(toRequest(request)).catch((thrown: unknown) => {
        throw stateDeleteFailed(request.key, thrown);
      });
      return {};
    },

    async deleteBulkState({ request }) {
      const store = findStore(context, request.storeName);
      const requests = request.states.map(toRequest);
      await writeEach(requests, (one) => store.delete(one)).catch((thrown: unknown) => {
        throw stateBulkDeleteFailed(store.name, thrown);
      });
      return {};
    },

    async executeStateTransaction({ request }) {
      const store = findStore(context, request.storeName);
      const operations = request.operations.map(toOperation);
      await store.transact(operations).catch((thrown: unknown) => {
        throw transactionFailed(thrown);
      });
      return {};
    },

    async queryStateAlpha1({ request }) {
      const store = findStore(context, request.storeName);
      const { items, token } = await store.query(parseQueryOf(store, request.query));
      if (items.length === 0) return {};
      return { results: items.map(({ key, data, etag }) => ({ key, data, etag })), token };
    },
  };
}

type Item = MessageShape<typeof StateItemSchema>;

function toRequest(item: Pick<Item, 'key' | 'etag' | 'metadata' | 'options'>): DeleteRequest {
  const { key, etag, metadata, options } = item;
  return { key, etag: etag?.value, metadata, options: options && toOptions(options) };
}

function toOperation(given: MessageShape<typeof TransactionalStateOperationSchema>): Operation {
  const { operationType: type, request: item = NO_ITEM } = given;
  if (type === 'delete') return { type, request: toRequest(item) };
  if (type !== 'upsert') throw operationUnknown(type);
  return { type, request: { ...toRequest(item), data: Buffer.from(item.value) } };
}

// What a message that was left out reads as.
const NO_ITEM: Pick<Item, 'key' | 'value' | 'metadata'> = {
  key: '',
  value: new Uint8Array(),
  metadata: {},
};

// The bytes as they are; but what says that it is JSON is stored as JSON is, and has to be some.
function toSavedData({ value, metadata }: Item): Buffer {
  const data = Buffer.from(value);
  if (metadata['contentType'] !== 'application/json') return data;
  return Buffer.from(JSON.stringify(JSON.parse(data.toString())));
}

function toOptions({ concurrency, consistency }: StateOptions) {
  return {
    concurrency: CONCURRENCIES[concurrency],
    consistency: CONSISTENCIES[consistency],
  };
}

const CONCURRENCIES: Readonly<Record<Concurrency, string>> = {
  [Concurrency.CONCURRENCY_UNSPECIFIED]: '',
  [Concurrency.CONCURRENCY_FIRST_WRITE]: 'first-write',
  [Concurrency.CONCURRENCY_LAST_WRITE]: 'last-write',
};

const CONSISTENCIES: Readonly<Record<Consistency, string>> = {
  [Consistency.CONSISTENCY_UNSPECIFIED]: '',
  [Consistency.CONSISTENCY_EVENTUAL]: 'eventual',
  [Consistency.CONSISTENCY_STRONG]: 'strong',
};
