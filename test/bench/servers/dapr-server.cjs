// DaprServer of Dapr's SDK: node servers/dapr-server.cjs <event-http|event-grpc> <port>
const { createServer } = require('node:http');
const { CommunicationProtocolEnum, DaprServer } = require('@dapr/dapr');
const { takeOrder } = require('../functions/take-order.cjs');
const [workload, port] = process.argv.slice(2);

// Its start waits until a sidecar tells its metadata. Nothing else is asked of one here.
const sidecar = createServer((req, res) => res.end('{}'));

async function start() {
  const isGrpc = workload === 'event-grpc';
  const server = new DaprServer({
    serverHost: '127.0.0.1',
    serverPort: port,
    communicationProtocol: isGrpc ? CommunicationProtocolEnum.GRPC : CommunicationProtocolEnum.HTTP,
    clientOptions: {
      daprHost: '127.0.0.1',
      daprPort: String(sidecar.address().port),
      communicationProtocol: CommunicationProtocolEnum.HTTP,
    },
  });
  if (!isGrpc) withoutOwnHeaders(server.daprServer.getServer());
  await server.pubsub.subscribe('pubsub', 'orders', takeOrder);
  await server.start();
  sidecar.close();
  sidecar.closeAllConnections();
}

// As for Express itself: headers that the framework does not send.
function withoutOwnHeaders(app) {
  app.disable('etag');
  app.disable('x-powered-by');
}

sidecar.listen(0, '127.0.0.1', () => void start());
