// What the generators of docs/explanation have in common.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { ROOT, ensureBuild, ensureDependencies, main, requireNode } from './setup.mjs';

const FOLDER = path.join(ROOT, 'docs/explanation');

/**
 * Writes what a built module makes, or with `--check` compares it with what is there.
 *
 * @param {object} page - `module`: path within dist/scripts; `make`: its function, which gives path within docs/explanation → text;
 *   `folder`: a folder that holds nothing but what it makes
 */
export async function explanationPage({ module, make, folder }) {
  await main(async () => {
    requireNode();
    await ensureDependencies();
    await ensureBuild();
    const generator = await import(pathToFileURL(path.join(ROOT, 'dist/scripts', module)).href);
    const files = await formatted(await generator[make]());
    const stale = staleFiles(files, folder);
    if (process.argv.includes('--check')) return check(files, stale);
    for (const [name, text] of files) {
      mkdirSync(path.dirname(path.join(FOLDER, name)), { recursive: true });
      writeFileSync(path.join(FOLDER, name), text);
    }
    for (const name of stale) rmSync(path.join(FOLDER, name));
    console.log(`${files.size} files written, ${stale.length} removed`);
  });
}

async function formatted(files) {
  const options = await resolveConfig(path.join(FOLDER, 'page.md'));
  const pages = [...files].map(async ([name, text]) => [
    name,
    name.endsWith('.md') ? await format(text, { ...options, parser: 'markdown' }) : text,
  ]);
  return new Map(await Promise.all(pages));
}

function staleFiles(files, folder) {
  const directory = path.join(FOLDER, folder ?? '');
  if (folder === undefined || !existsSync(directory)) return [];
  return readdirSync(directory)
    .map((name) => `${folder}/${name}`)
    .filter((name) => !files.has(name));
}

function check(files, stale) {
  const differing = [...files].filter(([name, text]) => textOf(name) !== text).map(([name]) => name);
  const wrong = [...differing, ...stale];
  for (const name of wrong) console.error(`docs/explanation/${name} is out of date`);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log(`${files.size} files are up to date`);
}

function textOf(name) {
  const file = path.join(FOLDER, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
