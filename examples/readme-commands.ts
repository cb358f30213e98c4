// The curl commands of a README, each with the output that is written below it.
//
// A command is a ```sh block that begins with `curl`; the next block is its output. With `-i` the
// output has a status line and headers, of which a README shows those that matter.

/** One curl command as a request, and what the README says it prints. */
export interface ReadmeCommand {
  readonly text: string;
  readonly url: string;
  readonly request: { method: string; headers: [string, string][]; body?: string };
  /** Whether status and headers are printed too (`-i`). */
  readonly showsHeaders: boolean;
  readonly output: string;
}

const COMMAND = /^```sh\ncurl /gm;
const COMMAND_AND_OUTPUT = /^```sh\n(curl [^`]*?)\n```\n\n```\w+\n([^`]*?)```$/gm;

/**
 * Parses the commands of a README.
 *
 * @throws Error for a command without an output below it, or with a flag that is not known here.
 */
export function parseReadmeCommands(markdown: string): ReadmeCommand[] {
  const found = [...markdown.matchAll(COMMAND_AND_OUTPUT)];
  const expected = markdown.match(COMMAND)?.length ?? 0;
  if (found.length !== expected) {
    throw new Error(`${expected} curl commands, but ${found.length} with an output below them`);
  }
  return found.map(([, text = '', output = '']) => ({ ...parseCurl(text), output: output.trim() }));
}

function parseCurl(text: string): Omit<ReadmeCommand, 'output'> {
  const words = [...text.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
  const headers: [string, string][] = [];
  let method: string | undefined;
  let body: string | undefined;
  let url = '';
  let showsHeaders = false;
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const value = (): string => words[(index += 1)] ?? '';
    if (word === '-X') method = value();
    else if (word === '-d') body = value();
    else if (word === '-H') headers.push(parseHeader(value()));
    else if (word === '-i') showsHeaders = true;
    else if (word.startsWith('http://')) url = word;
    else if (word !== '-N') throw new Error(`the flag ${word} is not known here: ${text}`);
  }
  if (body !== undefined && !headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    headers.push(['content-type', 'application/x-www-form-urlencoded']);
  }
  method ??= body === undefined ? 'GET' : 'POST';
  const request = { method, headers, ...(body === undefined ? {} : { body }) };
  return { text, url, request, showsHeaders };
}

function parseHeader(text: string): [string, string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

/**
 * Runs a command against an example.
 *
 * @param example Where it listens, and its sidecar, in the place of ports 8080 and 3500.
 * @returns What curl would print, with those of the headers that the README shows.
 */
export async function runReadmeCommand(
  command: ReadmeCommand,
  { origin, sidecar = '' }: { readonly origin: string; readonly sidecar?: string | undefined },
): Promise<string> {
  const url = command.url
    .replace('http://localhost:8080', origin)
    .replace('http://localhost:3500', sidecar);
  const response = await fetch(url, command.request);
  const body = await response.text();
  if (!command.showsHeaders) return body.trim();
  const [head = ''] = command.output.split('\n\n', 1);
  const shown = head.split('\n').slice(1).map(parseHeader);
  const lines = shown.map(([name]) => `${name}: ${response.headers.get(name)}`);
  const status = `HTTP/1.1 ${response.status} ${response.statusText}`;
  return `${[status, ...lines].join('\n')}\n\n${body}`.trim();
}

/** The lines that a README says the functions log: those of its ```log blocks, without time and fields. */
export function parseReadmeLog(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^```log\n([^`]*?)```$/gm)];
  return blocks.flatMap(([, text = '']) => text.trim().split('\n'));
}

/** A text with what differs from run to run, ids and times, replaced by a word. */
export function withoutChance(text: string): string {
  return text
    .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<uuid>')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
}
