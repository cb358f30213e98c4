// The pages of the documentation, taken apart: snippets, headings, links and tables.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A fenced block of code, with the lines of the `<!-- test: … -->` comment before it. */
export interface Snippet {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** `undefined` without such a comment. */
  readonly directives: readonly string[] | undefined;
}

/** A row of a table: the text of its cells. */
export type Row = readonly string[];

/** A Markdown file; `path` is relative to the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** All pages: those at the top of the repository and those in `docs`. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return [
    ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
    ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file)),
  ].map(readPage);
}

/** One page, by its path in the repository. */
export function readPage(path: string): Page {
  return { path: relative('.', path), text: readFileSync(join(ROOT, path), 'utf8') };
}

const FENCE = /(?:<!-- test:((?:(?!-->)[^])*)-->\n+)?^(`{3,})(\w*)[^\n]*\n([^]*?)^\2$/gm;

/** The fenced blocks of a page. */
export function snippetsOf({ path, text }: Page): readonly Snippet[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const [, comment, , language = '', code = ''] = match;
    const directives = comment
      ?.split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const line = text.slice(0, match.index).split('\n').length;
    return { page: path, line, language, code, directives };
  });
}

/** A page without its blocks of code, which may hold what looks like Markdown. */
function proseOf({ text }: Page): string {
  return text.replaceAll(FENCE, '');
}

/** The headings of a page, as the anchors that GitHub makes of them. */
export function anchorsOf(page: Page): ReadonlySet<string> {
  const headings = proseOf(page).matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading = '']) => toAnchor(heading)));
}

function toAnchor(heading: string): string {
  return heading
    .replaceAll(/[`*]|\]\([^)]*\)/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The targets of the links of a page, without those that lead to other hosts. */
export function linksOf(page: Page): readonly string[] {
  const links = proseOf(page).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].map(([, target = '']) => target).filter((target) => !/^\w+:/.test(target));
}

/** The rows of the first table whose head begins with this cell. */
export function tableOf({ path, text }: Page, firstHead: string): readonly Row[] {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => line.startsWith('|') && cells(line)[0] === firstHead);
  if (head === -1) throw new Error(`${path} has no table that begins with "${firstHead}"`);
  const after = lines.slice(head + 2);
  const end = after.findIndex((line) => !line.startsWith('|'));
  return after.slice(0, end === -1 ? undefined : end).map(cells);
}

function cells(line: string): Row {
  return line
    .replaceAll(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}

/** The sections of a page under headings of one level, by their heading. */
export function sectionsOf({ text }: Page, level: number): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  let heading: string | undefined;
  for (const line of text.split('\n')) {
    const match = /^(#{1,6}) (.+)$/.exec(line);
    if (match?.[1] !== undefined && match[1].length <= level) {
      heading = match[1].length === level ? match[2] : undefined;
      if (heading !== undefined) sections.set(heading, '');
    } else if (heading !== undefined) {
      sections.set(heading, `${sections.get(heading)}${line}\n`);
    }
  }
  return sections;
}
