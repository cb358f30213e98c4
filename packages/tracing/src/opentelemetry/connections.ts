// The OTEL_* variables of certificates → connections to a collector over http or https, which can be
// let go of while a request is under way. The exporters have no way to do so.
import type { Environment } from '@ofn/core';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isSet, type Warn } from '../setting.ts';
import type { VariableName } from '../variables.ts';

/** The connections of an exporter. */
export interface Connections {
  readonly agentFor: (protocol: string) => HttpAgent;
  /** Ends each request and connection. Later requests fail at once. */
  readonly destroy: () => void;
}

/** Creates connections that are kept alive. A certificate that cannot be read is warned of. */
export function createConnections(env: Environment, warn: Warn): Connections {
  const agents: HttpAgent[] = [];
  return {
    agentFor(protocol) {
      const agent =
        protocol === 'https:'
          ? new HttpsAgent({ keepAlive: true, ...readCertificates(env, warn) })
          : new HttpAgent({ keepAlive: true });
      agents.push(agent);
      return agent;
    },
    destroy() {
      for (const agent of agents) {
        agent.createConnection = refuse;
        agent.destroy();
      }
    },
  };
}

function refuse(): never {
  throw new Error('The exporter is closed');
}

/** Contents of the files of certificates, as TLS takes them. */
export interface Certificates {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

const FILES = [
  ['ca', 'OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
  ['cert', 'OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
  ['key', 'OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
] as const satisfies readonly [keyof Certificates, ...VariableName[]][];

/** Reads the files that the variables name, those for traces before those for all signals. */
export function readCertificates(env: Environment, warn: Warn): Certificates {
  const certificates: Certificates = {};
  for (const [kind, ...names] of FILES) {
    const name = names.find((name) => isSet(env, name));
    if (name === undefined) continue;
    try {
      certificates[kind] = readFileSync(env[name]?.trim() ?? '');
    } catch (error) {
      // Without the path: whoever mistakes the variable has written the key itself.
      warn(`${name}: the file cannot be read (${codeOf(error)}), and is left out`);
    }
  }
  return certificates;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
}
