// The handle of the load generator: one process for a whole run of the benchmark.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CONNECTIONS = 32;

/** Starts the load generator. */
export function startLoad() {
  const child = fork(fileURLToPath(new URL('./load.js', import.meta.url)));
  const exited = once(child, 'exit');

  async function ask(command, parameters) {
    child.send({ command, ...parameters });
    const [answer] = await Promise.race([once(child, 'message'), exited]);
    if (typeof answer !== 'object') throw new Error('the load generator has ended');
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }

  return {
    /**
     * Opens the connections to a server: `{port, request, responseLength}` over HTTP, or
     * `{port, protocol: 'grpc', headers, message, answer}`.
     */
    open: (target) => ask('open', { connections: CONNECTIONS, ...target }),
    /** Sends requests over them; resolves to `{seconds, p50, p99}`, latencies in milliseconds. */
    send: (requests) => ask('send', { requests }),
    /** The same at a pace, in requests a second. */
    pace: (requests, rate) => ask('pace', { requests, rate }),
    close: () => ask('close'),
    stop: () => child.kill(),
  };
}
