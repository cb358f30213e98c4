// The OTEL_* variables of certificates → connections to a collector over http or https, which can be
// let go of while a request is under way. The exporters have no way to do so.
import type { Environment } from '@ofn/core';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** The connections of an exporter. */
export interface Agents {
  readonly forProtocol: (protocol: string) => HttpAgent;
  /** Ends each request and connection. Later requests fail at once. */
  readonly destroy: () => void;
}

/** Creates agents that keep connections alive. A certificate that cannot be read is warned of. */
export function createAgents(env: Environment, warn: (message: string) => void): Agents {
  const agents: HttpAgent[] = [];
  return {
    forProtocol(protocol) {
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

const VARIABLES = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' } as const;
const KINDS = ['ca', 'cert', 'key'] as const;

/** Reads the files that the variables name, those for traces before those for all signals. */
export function readCertificates(env: Environment, warn: (message: string) => void): Certificates {
  const certificates: Certificates = {};
  for (const kind of KINDS) {
    const names = ['OTEL_EXPORTER_OTLP_TRACES_', 'OTEL_EXPORTER_OTLP_'].map(
      (prefix) => prefix + VARIABLES[kind],
    );
    const name = names.find((name) => (env[name]?.trim() ?? '') !== '');
    if (name === undefined) continue;
    try {
      certificates[kind] = readFileSync(env[name]?.trim() ?? '');
    } catch (error) {
      warn(`${name}: the file cannot be read (${String(error)}), and is left out`);
    }
  }
  return certificates;
}
