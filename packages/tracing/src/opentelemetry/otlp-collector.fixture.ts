// A collector of OTLP in process, over http or gRPC, that keeps the spans it is sent.
import { Server, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { fromJson, fromProtobuf, type CollectedSpan } from './otlp-messages.fixture.ts';

/** `hang` never answers, `refuse` answers with an error, `garbage` with bytes that say nothing. */
export type CollectorBehaviour = 'normal' | 'hang' | 'refuse' | 'garbage';

/** One request of an exporter. */
interface CollectedExport {
  /** Path of the URL, or of the method. */
  readonly path: string;
  /** Header fields, or metadata; names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly spans: readonly CollectedSpan[];
}

/** A collector that runs. */
export interface OtlpCollector {
  /** `http://127.0.0.1:<port>`, which an exporter of either protocol takes. */
  readonly endpoint: string;
  readonly exports: readonly CollectedExport[];
  readonly spans: readonly CollectedSpan[];
  /** Resolves with all spans, once there are this many. */
  received(count: number): Promise<readonly CollectedSpan[]>;
  /** Changes what it does with requests from now on. */
  behave(behaviour: CollectorBehaviour): void;
  /** Stops it and ends its connections. */
  close(): Promise<void>;
}

/** Starts a collector on a free port of loopback. */
export async function createOtlpCollector(
  transport: 'http' | 'grpc',
  behaviour: CollectorBehaviour = 'normal',
): Promise<OtlpCollector> {
  const exports: CollectedExport[] = [];
  const waiting = new Set<() => void>();
  const spans = (): readonly CollectedSpan[] => exports.flatMap((each) => each.spans);
  const state = { behaviour };
  const collect: Collect = (received) => {
    exports.push(received);
    for (const check of waiting) check();
    return state.behaviour;
  };
  const listen = transport === 'http' ? listenHttp : listenGrpc;
  const { port, close } = await listen(collect);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    exports,
    get spans() {
      return spans();
    },
    received: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (spans().length < count) return;
          waiting.delete(check);
          resolve(spans());
        };
        waiting.add(check);
        check();
      }),
    behave(next) {
      state.behaviour = next;
    },
    close,
  };
}

/** Keeps what was received, and says what to do with it. */
type Collect = (received: CollectedExport) => CollectorBehaviour;

interface Listener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const GARBAGE = Buffer.from([0xff, 0xff, 0xff, 0x07, 0x00, 0x13]);

async function listenHttp(collect: Collect): Promise<Listener> {
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const bytes = req.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const isJson = req.headers['content-type'] === 'application/json';
    const behaviour = collect({
      path: req.url ?? '',
      headers: req.headers,
      spans: isJson ? fromJson(bytes.toString()) : fromProtobuf(bytes),
    });
    if (behaviour === 'hang') return;
    if (behaviour === 'refuse') res.statusCode = 400;
    res.setHeader('content-type', req.headers['content-type'] ?? '');
    res.end(behaviour === 'garbage' ? GARBAGE : isJson ? '{}' : '');
  }
  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => res.destroy(new Error(String(error))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const EXPORT_METHOD = {
  path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const;

async function listenGrpc(collect: Collect): Promise<Listener> {
  const server = new Server();
  server.addService(
    { export: EXPORT_METHOD },
    {
      export(
        call: { request: Buffer; metadata: { getMap(): Record<string, unknown> } },
        answer: sendUnaryData<Buffer>,
      ) {
        const behaviour = collect({
          path: EXPORT_METHOD.path,
          headers: call.metadata.getMap(),
          spans: fromProtobuf(call.request),
        });
        if (behaviour === 'hang') return;
        if (behaviour === 'refuse') answer({ code: status.PERMISSION_DENIED, details: 'refused' });
        else answer(null, behaviour === 'garbage' ? GARBAGE : Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, close: async () => server.forceShutdown() };
}
