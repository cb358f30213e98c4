// CommonJS user code: requires the package and registers functions with it.
const { EventEmitter } = require('node:events');
const { cloudEvent, http, openfunction } = require('@ofn/core');

http('hello', (req, res) => res.send(`Hello, ${req.query.name}!`));
http('fetch', (request) => new Response(new URL(request.url).pathname));
http('timer', () => setTimeout(() => fail('timer'), 1));
http('immediate', () => setImmediate(() => fail('immediate')));
http('rejection', () => void Promise.reject(new Error('rejection')));
http('emitter', () => {
  const emitter = new EventEmitter();
  setTimeout(() => emitter.emit('error', new Error('emitter')), 1);
});
openfunction('greet', (ctx, data) => ({ hello: data.name }));
cloudEvent('echo', (event) => event);

function fail(where) {
  throw new Error(where);
}
