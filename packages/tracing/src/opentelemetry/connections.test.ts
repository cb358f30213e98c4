import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Agent, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createConnections, readCertificates } from './connections.ts';

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

function send(agent: Agent, port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', agent }, resolve).on('error', reject).end();
  });
}

test('a request that is under way ends, and no other begins', async () => {
  const { server, port } = await listen();
  const connections = createConnections({}, () => {});
  const agent = connections.agentFor('http:');
  const arrived = once(server, 'request').then(connections.destroy);
  await expect(send(agent, port)).rejects.toThrow('socket hang up');
  await arrived;
  await expect(send(agent, port)).rejects.toThrow('The exporter is closed');
});

test('certificates are read from the files that are named, for traces before for all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => {
    writeFileSync(join(folder, name), name);
    return join(folder, name);
  };
  const warnings: string[] = [];
  const env = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: file('all'),
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: file('traces'),
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('client'),
    OTEL_EXPORTER_OTLP_CLIENT_KEY: join(folder, 'missing'),
  };
  const certificates = readCertificates(env, (each) => warnings.push(each));

  expect(certificates).toEqual({ ca: Buffer.from('traces'), cert: Buffer.from('client') });
  expect(warnings).toEqual([
    'OTEL_EXPORTER_OTLP_CLIENT_KEY: the file cannot be read (ENOENT), and is left out',
  ]);
});

test('certificates are not asked for without TLS', () => {
  const env = { OTEL_EXPORTER_OTLP_CERTIFICATE: 'missing' };
  const warnings: string[] = [];
  const connections = createConnections(env, (each) => warnings.push(each));
  connections.agentFor('http:');
  expect(warnings).toEqual([]);
  connections.agentFor('https:');
  expect(warnings).toHaveLength(1);
});
