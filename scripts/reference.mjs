// `npm run reference`: writes the generated part of docs/reference from libs/contracts.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, ensureBuild, ensureDependencies, main, requireNode } from './setup.mjs';

const FOLDER = path.join(ROOT, 'docs/reference');

await main(async () => {
  requireNode();
  await ensureDependencies();
  await ensureBuild();
  const generator = await import(pathToFileURL(path.join(ROOT, 'dist/scripts/reference/index.js')).href);
  const files = generator.referenceFiles();
  mkdirSync(path.join(FOLDER, 'schemas'), { recursive: true });
  for (const [name, text] of files) writeFileSync(path.join(FOLDER, name), text);
  // A type that is gone leaves no schema behind.
  const stale = readdirSync(path.join(FOLDER, 'schemas')).filter((name) => !files.has(`schemas/${name}`));
  for (const name of stale) rmSync(path.join(FOLDER, 'schemas', name));
  console.log(`${files.size} files written, ${stale.length} removed`);
});
