// The benchmark: measures the framework against its peers and prints Markdown tables of ratios.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startLoad } from './load-process.js';
import { measures } from './measures.js';
import { bin } from './peers.js';
import { renderFigures } from './tables.js';

const USAGE = `pnpm bench [--only ${Object.keys(measures).join(',')}]
           [--launches 3] [--rounds 3] [--requests 5000] [--warm-up 30000] [--heap]

  --only      the measures to take; by default all but heap, which takes minutes
  --launches  times that each server is started anew
  --rounds    rounds of a launch; cold starts are measured twice a round
  --requests  requests that a server answers in a round
  --warm-up   requests that a server answers before the first round
  --heap      adds the heap over a million requests
`;

function parseSettings() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      launches: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      requests: { type: 'string', default: '5000' },
      'warm-up': { type: 'string', default: '30000' },
      heap: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',') ?? Object.keys(measures).filter((name) => name !== 'heap');
  if (values.heap && !names.includes('heap')) names.push('heap');
  const unknown = names.find((name) => !Object.hasOwn(measures, name));
  if (unknown !== undefined) throw new Error(`there is no measure "${unknown}"\n${USAGE}`);
  return {
    help: values.help,
    names,
    launches: parseCount('launches', values.launches),
    rounds: parseCount('rounds', values.rounds),
    requests: parseCount('requests', values.requests),
    warmUp: parseCount('warm-up', values['warm-up']),
  };
}

function parseCount(name, text) {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number above 0, not "${text}"`);
}

async function run({ names, ...settings }) {
  if (!existsSync(bin)) throw new Error('@ofn/core is not built: run `pnpm build` first');
  const begin = performance.now();
  const load = startLoad();
  const figures = {};
  try {
    const count = (name) => settings[name].toLocaleString('en');
    console.log(
      `Node ${process.version}, ${availableParallelism()} cores; ${count('launches')} launches of ` +
        `${count('rounds')} rounds of ${count('requests')} requests over 32 connections, ` +
        `after ${count('warmUp')} to warm up.\n`,
    );
    for (const name of names) {
      const result = await measures[name]({ ...settings, load });
      console.log(`### ${result.title}\n\n${result.table}\n`);
      if (result.notes.length > 0) {
        console.log(`${result.about ?? 'Headers that differ from those of bare node:http:'}\n`);
        console.log(`${result.notes.map((note) => `- ${note}`).join('\n')}\n`);
      }
      Object.assign(figures, result.figures);
    }
  } finally {
    load.stop();
  }
  console.log(`### Figures\n\n${renderFigures(figures)}\n`);
  console.log(`Took ${Math.round((performance.now() - begin) / 1000)} s.`);
}

try {
  const settings = parseSettings();
  if (settings.help) console.log(USAGE);
  else await run(settings);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
