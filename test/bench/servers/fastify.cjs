// Fastify: node servers/fastify.cjs <workload> <port>
const [workload, port] = process.argv.slice(2);
const fastify = require('fastify')({ keepAliveTimeout: 5000 });

if (workload === 'echo-json') {
  fastify.post('/', (request, reply) => {
    reply.send(request.body);
  });
} else {
  fastify.get('/', (request, reply) => {
    reply.type('text/html; charset=utf-8').send('Hello, World!');
  });
}
void fastify.listen({ port: Number(port), host: '::' });
