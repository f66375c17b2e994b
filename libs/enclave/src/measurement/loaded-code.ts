import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';
import { measureFiles, measurementOf, type MeasuredFile, type MeasuredManifest } from './measure';

/** Where the code of a process may come from. */
export interface CodePlaces {
  /** Directory of the build, without symbolic links in its path. */
  readonly build: string;
  /** Directories named `node_modules` that packages are found in, without symbolic links in their paths. */
  readonly packages: readonly string[];
}

interface LoadedFile {
  /** Directory of {@link CodePlaces}. */
  readonly root: string;
  /** Below it, with `/` between names. */
  readonly path: string;
}

const PACKAGES_PREFIX = 'node_modules/';
const PACKAGE_OF_PATH = /^((?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//;

/**
 * Measures the code that a process has loaded: each file by content, native addons too, and packages by version as well. Paths
 * count from the build and from `node_modules`, so that the same build has the same measurement wherever it lies.
 *
 * The files are read again: what was loaded and has been replaced since is measured as it is now.
 *
 * @param loaded absolute paths, such as the keys of `require.cache`
 * @param configuration JSON object that decides how the enclave behaves; `node` and `packages` are added to it
 * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID` for code from elsewhere, and for a file that cannot be read
 */
export async function measureLoadedCode(
  loaded: readonly string[],
  places: CodePlaces,
  configuration: Readonly<Record<string, unknown>>,
  { isDebug }: { isDebug: boolean },
): Promise<MeasuredManifest> {
  const files = loaded.map((path) => placeOf(path, places));
  const build = files.filter(({ root }) => root === places.build);
  const own = await measureFiles(places.build, pathsOf(build), null, { isDebug });
  const measured: MeasuredFile[] = [...own.files];
  for (const root of places.packages) {
    const paths = pathsOf(files.filter((file) => file.root === root));
    if (paths.length === 0) continue;
    const { files: some } = await measureFiles(root, paths, null, { isDebug });
    measured.push(...some.map(({ path, sha256 }) => ({ path: PACKAGES_PREFIX + path, sha256 })));
  }
  measured.sort((a, b) => (a.path < b.path ? -1 : 1));
  const packages = packageVersions(files.filter(({ root }) => root !== places.build));
  const facts = { ...configuration, node: process.version, packages };
  const manifest = { format: 1, files: measured, configuration: facts, debug: isDebug } as const;
  // Two files of one path, from two places, would be told apart by nobody: that is refused here.
  measurementOf(manifest);
  return manifest;
}

function placeOf(path: string, places: CodePlaces): LoadedFile {
  for (const root of [places.build, ...places.packages])
    if (path.startsWith(root + sep)) return { root, path: relative(root, path).split(sep).join('/') };
  const message = `\`${path}\` is code from neither the build nor its packages: start the enclave without it`;
  throw new ProtegoError('ENCLAVE_MEASUREMENT_INVALID', message, { path });
}

function pathsOf(files: readonly LoadedFile[]): string[] {
  return files.map(({ path }) => path);
}

/** Versions by the place of the package below `node_modules`. */
function packageVersions(files: readonly LoadedFile[]): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const { root, path } of files) {
    const name = PACKAGE_OF_PATH.exec(path)?.[1] ?? path;
    versions[name] ??= versionOf(join(root, name, 'package.json'));
  }
  return versions;
}

function versionOf(path: string): string {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { version?: string }).version ?? '';
  } catch (cause) {
    const message = `cannot read the version in \`${path}\`: ${messageOf(cause)}`;
    throw new ProtegoError('ENCLAVE_MEASUREMENT_INVALID', message, { path }, { cause });
  }
}
