// Runs one handler in our server and in Express, and gives both replies for comparison.
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { defineFunction } from '../function/definition.ts';
import { createLogger } from '../logger.ts';
import { createRuntime } from '../runtime.ts';
import { optionsOf } from './serve.fixture.ts';

/** A handler that both servers run; what it throws becomes the reply. */
export type Handler = (req: express.Request, res: express.Response) => unknown;

/** What is sent to both servers. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

/** What came back; the headers sorted, without those that belong to the connection. */
interface Reply {
  readonly status: number;
  readonly message: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Both servers, running. */
export interface BesideExpress {
  compare(handler: Handler, sent?: Sent): Promise<{ ours: Reply; express: Reply }>;
  close(): Promise<void>;
}

/** Starts both servers, each on a free port of the loopback. */
export async function besideExpress(): Promise<BesideExpress> {
  const handlers = new Map<string, Handler>();
  function run(req: express.Request, res: express.Response): unknown {
    try {
      return handlers.get(req.headers['x-case'] as string)?.(req, res);
    } catch (error) {
      return res.end(`threw ${(error as Error).name}: ${(error as Error).message}`);
    }
  }

  const options = optionsOf('--port=0', '--host=127.0.0.1', '--drain-timeout=100ms');
  const functions = [defineFunction('beside-express', 'http', run)];
  const loaded = { functions, plugins: [], hookPlugins: [] };
  const runtime = createRuntime(options, createLogger({ level: 'silent' }), loaded);
  const ours = (await runtime.start()).port;

  const app = express();
  app.disable('etag');
  app.disable('x-powered-by');
  app.enable('trust proxy');
  app.use((req, res) => run(req, res));
  const server = createServer(app);
  const theirs = await listen(server);

  let count = 0;
  return {
    async compare(handler, sent = {}) {
      const name = String((count += 1));
      handlers.set(name, handler);
      const [a, b] = await Promise.all([send(ours, name, sent), send(theirs, name, sent)]);
      return { ours: a, express: b };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await runtime.stop({ skipDelay: true }).catch(() => {});
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const OF_THE_CONNECTION = new Set(['date', 'connection', 'keep-alive']);

function send(port: number, name: string, sent: Sent): Promise<Reply> {
  const { method = 'GET', path = '/', headers = {}, body } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        port,
        host: '127.0.0.1',
        agent: false,
        method,
        path,
        headers: { host: 'api.shop.example:8080', 'x-case': name, ...headers },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const { rawHeaders, statusCode = 0, statusMessage = '' } = incoming;
          const lines: string[] = [];
          for (let index = 0; index < rawHeaders.length; index += 2) {
            const field = (rawHeaders[index] as string).toLowerCase();
            if (!OF_THE_CONNECTION.has(field)) lines.push(`${field}: ${rawHeaders[index + 1]}`);
          }
          const text = Buffer.concat(chunks).toString('latin1');
          resolve({
            status: statusCode,
            message: statusMessage,
            headers: lines.toSorted(),
            body: text,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
