// Ports that nothing listens on, for what has to be told its port: a process that starts again at the
// same one, a sidecar that has no port 0.
import { createServer } from 'node:net';

// Below those that systems give out for port 0 and for outgoing connections: nobody gets one of these
// by chance before it is listened on.
const FIRST = 10_000;
const LAST = 32_000;
const given = new Set<number>();

/** Finds free ports of loopback; none is found twice by one process. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

// On all addresses, as the bin listens.
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
