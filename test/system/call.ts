// One HTTP call on a connection of its own, or on that of an agent.
import { request, type Agent, type IncomingHttpHeaders } from 'node:http';

/** What a call sends. */
export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Default: a connection that is closed after the call. */
  readonly agent?: Agent;
}

/** What a call gets. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Calls a URL. Rejects when the connection fails before the whole reply is there. */
export function call(url: string, options: CallOptions = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body, agent = false } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Posts JSON. */
export function postJson(url: string, value: unknown): Promise<Reply> {
  const headers = { 'content-type': 'application/json' };
  return call(url, { method: 'POST', headers, body: JSON.stringify(value) });
}

/** The code of a problem reply. */
export function codeOf(reply: Reply): unknown {
  return (JSON.parse(reply.text) as { code?: unknown }).code;
}
