// Hono on Node: node servers/hono.cjs hello-send <port>
const { serve } = require('@hono/node-server');
const { Hono } = require('hono');
const [, port] = process.argv.slice(2);

const app = new Hono();
const headers = { 'Content-Type': 'text/html; charset=utf-8' };
app.get('/', (c) => c.body('Hello, World!', 200, headers));
serve({ fetch: app.fetch, port: Number(port), serverOptions: { keepAliveTimeout: 5000 } });
