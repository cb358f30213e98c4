// The chunks of a build → the text of THIRD-PARTY-NOTICES.txt.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The licences of the packages whose code is in the bundles, as they ask for.
 *
 * @param chunks What rolldown's `build` has put out.
 */
export function renderNotices(chunks) {
  const folders = new Set(
    chunks
      .flatMap((chunk) => Object.keys(chunk.modules ?? {}))
      .filter((module) => module.includes('node_modules'))
      .map(packageFolder),
  );
  const notices = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return notices.toSorted().join(`\n${'-'.repeat(80)}\n\n`);
}

function packageFolder(module) {
  let folder = dirname(module.replace(/^\0/, '').replace(/\?.*$/, ''));
  // A folder may hold a package.json that only says which kind its modules are.
  while (!isPackage(folder)) folder = dirname(folder);
  return folder;
}

function isPackage(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) && 'version' in JSON.parse(readFileSync(manifest, 'utf8'));
}
