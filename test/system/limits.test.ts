// The limits an operator sets, and the port an operator reads: time-out, concurrency, metrics.
import { call, codeOf } from './call.ts';
import { test } from './start-function.ts';

test.concurrent(
  'a call beyond --timeout is answered 504, and its signal aborts',
  async ({ start, expect }) => {
    const { url, logged } = await start({
      args: ['--timeout', '300ms'],
      files: {
        'index.mjs': `
        export default (req, res) => {
          if (req.path === '/quick') return void res.send('quick');
          req.signal.addEventListener('abort', () => {
            console.log(JSON.stringify({ aborted: req.signal.reason.name }));
          });
        };
      `,
      },
    });
    const slow = await call(`${url}/slow`);
    const quick = await call(`${url}/quick`);
    const { aborted } = await logged((line) => 'aborted' in line);
    expect([slow.status, codeOf(slow)]).toEqual([504, 'OFN_TIMEOUT']);
    expect(aborted).toBe('TimeoutError');
    expect(quick.text).toBe('quick');
  },
);

test.concurrent(
  'calls beyond --max-concurrency are answered 503 with Retry-After',
  async ({ start, expect }) => {
    const { url, logged, kill } = await start({
      args: ['--max-concurrency', '2', '--health-routes'],
      files: {
        'index.mjs': `
        let begun = 0;
        let release;
        const released = new Promise((resolve) => (release = resolve));
        process.once('SIGUSR2', () => release());
        export default async (req, res) => {
          begun += 1;
          console.log(JSON.stringify({ begun }));
          await released;
          res.send('answered');
        };
      `,
      },
    });
    const accepted = Promise.all([call(url), call(url)]);
    await logged(({ begun }) => begun === 2);
    const refused = await call(url);
    const probe = await call(`${url}/readyz`);
    kill('SIGUSR2');
    expect((await accepted).map(({ text }) => text)).toEqual(['answered', 'answered']);
    expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([
      503,
      'OFN_OVERLOADED',
      '1',
    ]);
    expect(probe.status).toBe(200);
    expect((await call(url)).text).toBe('answered');
  },
);

test.concurrent(
  '--admin-port serves probes and metrics of the calls, and the main port does not',
  async ({ start, expect }) => {
    const { url, logged } = await start({
      args: ['--admin-port', '0'],
      files: {
        'index.mjs': `
        export default (req, res) => {
          if (req.path === '/fail') throw new Error('asked for');
          res.send(\`function at \${req.path}\`);
        };
      `,
      },
    });
    const { msg = '' } = await logged(
      (line) => line.msg?.startsWith('health and metrics at') === true,
    );
    const admin = msg.slice(msg.indexOf('http'));
    await call(`${url}/a`);
    await call(`${url}/b`);
    await call(`${url}/fail`);
    const metrics = await call(`${admin}/metrics`);
    const lines = metrics.text.split('\n');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(lines).toEqual(
      expect.arrayContaining([
        'faas_invoke_duration_seconds_count{function="function",status="200"} 2',
        'faas_invoke_duration_seconds_count{function="function",status="500"} 1',
        'faas_errors_total{function="function"} 1',
        'faas_in_flight{function="function"} 0',
      ]),
    );
    expect((await call(`${admin}/healthz`)).status).toBe(200);
    expect((await call(`${admin}/readyz`)).status).toBe(200);
    expect((await call(`${admin}/`)).status).toBe(404);
    expect((await call(`${url}/metrics`)).text).toBe('function at /metrics');
  },
);
