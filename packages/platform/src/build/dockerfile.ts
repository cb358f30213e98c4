// The Dockerfile of a function that was built.
import type { SignatureType } from '@ofn/core';
import type { FunctionResource } from '@ofn/resources';
import { PlatformError } from '../errors.ts';

/** By its first line, a folder is known as one that was built, and may be built again. */
export const MADE_BY = '# Made by ofn build, which replaces what is in this folder.';

/** What an image is made of, besides the function. */
export interface ImageParts {
  /** The file that runs functions, in the folder of the build. */
  readonly framework: string;
  /** Whether packages are installed of files in the folder `packages`. */
  readonly isPacked: boolean;
  /** Names of the packages that are only whole once their install scripts have run. */
  readonly scripted: readonly string[];
}

/**
 * Renders the Dockerfile.
 *
 * @throws PlatformError `OFN_PLATFORM_FUNCTION_INVALID` for a signature type that there is not.
 */
export function renderDockerfile(given: FunctionResource, parts: ImageParts): string {
  const { framework, isPacked, scripted } = parts;
  const command = ['node', '--enable-source-maps', framework, '--source', 'index.mjs'];
  const install = [
    'npm install --omit=dev --ignore-scripts --no-audit --no-fund',
    ...(scripted.length === 0 ? [] : [`npm rebuild ${scripted.join(' ')}`]),
    'npm cache clean --force',
  ];
  return `${MADE_BY}
# A line with long-term support; slim, as prebuilt native addons are made for glibc.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /function
COPY package*.json ./
${isPacked ? 'COPY packages packages\n' : ''}RUN ${install.join(' && ')}
COPY . .
${variablesOf(given)}EXPOSE 8080
# The user node: as a number, Kubernetes can tell that it is not root.
USER 1000:1000
CMD ${JSON.stringify(command).replaceAll(',', ', ')}
`;
}

const TYPES: readonly SignatureType[] = ['http', 'cloudevent', 'openfunction', 'event'];

function variablesOf({ metadata, spec }: FunctionResource): string {
  const { FUNC_NAME: target = '', FUNC_TYPE: type = '' } = spec.build?.env ?? {};
  if (type !== '' && !TYPES.some((known) => known === type)) {
    const message = `Function "${metadata.name}": FUNC_TYPE of spec.build.env is "${type}"; it must be ${TYPES.join(', ')}`;
    throw new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
  }
  return Object.entries({ FUNCTION_TARGET: target, FUNCTION_SIGNATURE_TYPE: type })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `ENV ${name}=${quote(value)}\n`)
    .join('');
}

function quote(value: string): string {
  return `"${value.replaceAll(/["\\$]/g, String.raw`\$&`)}"`;
}
