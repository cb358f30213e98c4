// Both APIs on free ports, over stores that are real and an engine that records what it is asked.
import { createVirtualClock, type VirtualClock } from '../clock.ts';
import type {
  AppRequest,
  AppResponse,
  BindingRequest,
  BindingResponse,
  BulkPublishRequest,
  BulkPublishResult,
  Component,
  Engine,
  PublishRequest,
} from '../contract.ts';
import { createStateStore } from '../state/create.ts';
import { serveApis, type ApiSettings, type Apis } from './serve.ts';

/** What the engine was asked, and what it is to answer. */
interface Recorder {
  readonly published: PublishRequest[];
  readonly bulks: BulkPublishRequest[];
  readonly bindings: { name: string; request: BindingRequest }[];
  readonly invoked: AppRequest[];
  shutdowns: number;
  ready: boolean;
  onPublish: (request: PublishRequest) => Promise<void>;
  onBulk: (request: BulkPublishRequest) => Promise<BulkPublishResult>;
  onBinding: (request: BindingRequest) => Promise<BindingResponse>;
  onInvoke: (request: AppRequest) => Promise<AppResponse>;
}

export interface TestApis extends Apis {
  readonly recorder: Recorder;
  readonly clock: VirtualClock;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

const component = (name: string, type: string, metadata = {}): Component => ({
  name,
  type,
  version: 'v1',
  metadata,
  scopes: [],
});

export async function serveTestApis(
  settings: ApiSettings = {},
  names: readonly string[] = ['pubsub', 'store', 'binding'],
): Promise<TestApis> {
  const clock = createVirtualClock(1_700_000_000_000);
  const components = [
    component('pubsub', 'pubsub.in-memory'),
    component('store', 'state.in-memory'),
    component('binding', 'bindings.localstorage'),
  ].filter(({ name }) => names.includes(name));
  const recorder: Recorder = {
    published: [],
    bulks: [],
    bindings: [],
    invoked: [],
    shutdowns: 0,
    ready: true,
    onPublish: async () => {},
    onBulk: async () => ({ failed: [] }),
    onBinding: async () => ({ data: undefined, metadata: {} }),
    onInvoke: async () => ({ status: 200, headers: {}, body: Buffer.from('') }),
  };
  const engine: Engine = {
    appId: 'app',
    clock,
    components,
    subscriptions: [
      {
        pubsub: 'pubsub',
        topic: 'orders',
        deadLetterTopic: 'dead',
        type: 'PROGRAMMATIC',
        rules: [{ match: '', path: '/orders' }],
        metadata: {},
      },
    ],
    get ready() {
      return recorder.ready;
    },
    async publish(request) {
      recorder.published.push(request);
      await recorder.onPublish(request);
    },
    async publishBulk(request) {
      recorder.bulks.push(request);
      return recorder.onBulk(request);
    },
    async invokeBinding(name, request) {
      recorder.bindings.push({ name, request });
      return recorder.onBinding(request);
    },
    async invokeApp(request, appId = 'app') {
      if (appId !== 'app') throw new Error(`failed to resolve address for '${appId}'`);
      recorder.invoked.push(request);
      return recorder.onInvoke(request);
    },
    subscribeStream: () => () => undefined,
  };
  const stores = components
    .filter(({ type }) => type.startsWith('state.'))
    .map((one) => [one.name, createStateStore(one, { appId: 'app', clock })] as const);
  const apis = await serveApis(
    {
      engine,
      stores: new Map(stores),
      app: {
        port: 8080,
        protocol: 'http',
        channelAddress: '127.0.0.1',
        maxConcurrency: undefined,
        healthCheck: { path: '/healthz', intervalMs: 5000, timeoutMs: 500, threshold: 3 },
      },
      attributes: new Map(),
      onShutdown: () => {
        recorder.shutdowns += 1;
      },
    },
    settings,
  );
  return {
    ...apis,
    recorder,
    clock,
    fetch: (path, init) => fetch(`http://127.0.0.1:${apis.httpPort}${path}`, init),
  };
}
