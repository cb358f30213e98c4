// Each golden/<name>.function.yaml is a function; golden/<name>.<add-on>.yaml what it is rendered to.
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseFunction } from '../function/parse.ts';
import { issuesOfObject } from './kubernetes.fixture.ts';
import { render, renderYaml } from './render.ts';
import type { RenderOptions } from './options.ts';

const folder = new URL('golden/', import.meta.url);
const names = readdirSync(folder).flatMap((file) =>
  file.endsWith('.function.yaml') ? [file.slice(0, -'.function.yaml'.length)] : [],
);

const OPTIONS: RenderOptions = { componentTypes: { smtp: 'bindings.smtp' } };

function read(name: string) {
  const file = `${name}.function.yaml`;
  return parseFunction(readFileSync(new URL(file, folder), 'utf8'), { file });
}

describe.each(['0.5', 'current'] as const)('for add-on %s', (addOn) => {
  it.each(names)('%s is rendered as its golden file has it', async (name) => {
    const yaml = renderYaml(render(read(name), { ...OPTIONS, addOn }));
    await expect(yaml).toMatchFileSnapshot(`golden/${name}.${addOn}.yaml`);
  });

  it.each(names)('%s is valid by the schemas of the cluster', (name) => {
    const objects = render(read(name), { ...OPTIONS, addOn });
    expect(objects.flatMap(issuesOfObject)).toEqual([]);
  });

  it.each(names)('every object of %s has the labels by which it is found again', (name) => {
    const objects = render(read(name), { ...OPTIONS, addOn });
    const [first] = objects;
    const serving = first?.metadata.labels?.['openfunction.io/serving'];
    expect(serving).toMatch(/^serving-[0-9a-f]{8}$/);
    for (const { kind, metadata } of objects) {
      expect({ kind, labels: metadata.labels }).toMatchObject({
        kind,
        labels: { 'openfunction.io/managed': 'true', 'openfunction.io/serving': serving },
      });
    }
  });

  it.each(names)('no two objects of %s have one name', (name) => {
    const objects = render(read(name), { ...OPTIONS, addOn });
    const keys = objects.map(
      ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`,
    );
    expect(keys).toEqual([...new Set(keys)]);
  });
});

it('finds the functions', () => {
  expect(names.length).toBeGreaterThan(8);
});
