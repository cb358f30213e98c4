// A SkyWalking collector that only counts: segments come in over gRPC, and how many there were goes out
// over the IPC channel. Its first message is its address.
const { Server, ServerCredentials } = require('@grpc/grpc-js');
// The generated messages and stubs of the agent, which has no public name for them; it is pinned.
const { Commands } = require('skywalking-backend-js/lib/proto/common/Common_pb.js');
const {
  TraceSegmentReportServiceService,
} = require('skywalking-backend-js/lib/proto/language-agent/Tracing_grpc_pb.js');
const {
  ManagementServiceService,
} = require('skywalking-backend-js/lib/proto/management/Management_grpc_pb.js');

let segments = 0;

function collect(call, reply) {
  call.on('data', () => (segments += 1));
  call.on('end', () => reply(null, new Commands()));
}

function take(call, reply) {
  reply(null, new Commands());
}

const server = new Server();
// Left as bytes: reading them would take the CPU that is there for the measured server.
const asBytes = (bytes) => bytes;
server.addService(
  { collect: { ...TraceSegmentReportServiceService.collect, requestDeserialize: asBytes } },
  { collect },
);
const { reportInstanceProperties, keepAlive } = ManagementServiceService;
server.addService(
  { reportInstanceProperties, keepAlive },
  { reportInstanceProperties: take, keepAlive: take },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send(`127.0.0.1:${port}`);
});

process.on('message', () => process.send(segments));
process.on('disconnect', () => process.exit());
