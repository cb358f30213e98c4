// One measured server in a process of its own: started, asked what it used, ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const PROBE = new URL('./probe.js', import.meta.url).href;
const READY_WITHIN = 20_000;

/** A port that is free now. */
export async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Spawns `node` with these arguments.
 *
 * @param {{ probe?: boolean, nodeOptions?: string[], env?: object }} options `probe` makes `usage()` work; it is
 *   left out where the start itself is measured.
 */
export function spawnServer(args, { probe = false, nodeOptions = [], env = {} } = {}) {
  const preload = probe ? ['--import', PROBE] : [];
  const child = spawn(process.execPath, [...nodeOptions, ...preload, ...args.map(String)], {
    stdio: ['ignore', 'ignore', 'pipe', ...(probe ? ['ipc'] : [])],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const exited = once(child, 'exit');

  return {
    get failure() {
      if (child.exitCode === null && child.signalCode === null) return undefined;
      const end = child.exitCode ?? child.signalCode;
      return new Error(`${args.join(' ')} ended: ${end}\n${complaints}`);
    },
    /** CPU time in microseconds, memory in bytes; `collect` collects garbage before. */
    async usage({ collect = false } = {}) {
      child.send(collect ? 'collect' : 'read');
      const answer = await Promise.race([once(child, 'message'), exited]);
      if (this.failure !== undefined) throw this.failure;
      return answer[0];
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Resolves when the port accepts connections: asks once a millisecond. */
export async function untilListening(server, port) {
  const deadline = performance.now() + READY_WITHIN;
  while (!(await accepts(port))) {
    if (server.failure !== undefined) throw server.failure;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await delay(1);
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (value) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
