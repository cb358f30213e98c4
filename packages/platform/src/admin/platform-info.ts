// What a platform says of itself at `/` of its admin API.
import { createRequire } from 'node:module';
import { KINDS } from './view.ts';

/** A platform that runs. */
export interface PlatformInfo {
  readonly apiVersion: 'platform.ofn/v1';
  readonly kind: 'Platform';
  readonly version: string;
  readonly pid: number;
  /** Port of all functions. */
  readonly port: number;
  readonly adminPort: number;
  /** As ISO 8601 has it. */
  readonly startedAt: string;
  /** Folder in whose `.ofn` its state is kept. */
  readonly directory: string;
  readonly functions: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly urls: readonly string[];
  }[];
  /** Paths of this API, by what is there. */
  readonly links: Readonly<Record<string, string>>;
}

/** The version of this package. */
export function platformVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('@ofn/platform/package.json') as { version: string }).version;
}

/** The paths of the API. */
export const LINKS: PlatformInfo['links'] = Object.fromEntries(
  [...Object.keys(KINDS), 'logs', 'traces'].map((name) => [name, `/${name}`]),
);
