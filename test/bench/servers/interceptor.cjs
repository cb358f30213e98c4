// The interceptor in front of a function that is a process of its own: arguments are the port, and
// those of `node` that start the function, without its port.
const childProcess = require('node:child_process');
const events = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { createInterceptor, toInterceptorRoute, toRoutes } = require('@ofn/keda');

const [port, script, ...args] = process.argv.slice(2);

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await events.once(server, 'listening');
  const { port } = server.address();
  server.close();
  await events.once(server, 'close');
  return port;
}

async function main() {
  const backend = await freePort();
  // By the probe it ends with this process.
  childProcess.fork(
    script,
    [...args.filter((arg) => !arg.startsWith('--port=')), `--port=${backend}`],
    {
      execArgv: ['--import', path.join(__dirname, '..', 'probe.js')],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  await untilAnswered(backend);
  const { route } = toInterceptorRoute({ name: 'function', hosts: ['localhost'] });
  const routes = toRoutes([route]).map((scaled) => scaled.route);
  const interceptor = createInterceptor({ routes, port: Number(port), adminPort: 0 });
  interceptor.setEndpoints('default/function', [`127.0.0.1:${backend}`]);
  await interceptor.start();
}

async function untilAnswered(backend) {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${backend}/`).catch(() => undefined);
    if (answer !== undefined) return;
  }
}

void main();
