// Puts the verifier of detections and all that it needs into one file, `dist/standalone/verify-detection.js`: whoever is
// handed a proof runs it with Node alone. The same sources give the same bytes.
import { createRequire } from 'node:module';
import path from 'node:path';
import webpack from 'webpack';
import { ROOT, SetupError, main } from './setup.mjs';

const DIST = path.join(ROOT, 'dist');
const ENTRY = path.join(DIST, 'apps/cli/src/replay/standalone/verify-detection.js');
const require = createRequire(import.meta.url);

function options() {
  const { engineHash } = require(path.join(DIST, 'apps/cli/src/installation.js'));
  return {
    mode: 'none',
    target: 'node20',
    context: ROOT,
    entry: ENTRY,
    output: { path: path.join(DIST, 'standalone'), filename: 'verify-detection.js' },
    devtool: false,
    // Paths within the repository name the parts: no place on this machine gets into the file.
    resolve: { symlinks: false, modules: [path.join(ROOT, 'node_modules')] },
    optimization: { moduleIds: 'named', chunkIds: 'named', minimize: false },
    plugins: [new webpack.DefinePlugin({ PROTEGO_ENGINE_HASH: JSON.stringify(engineHash()) })],
  };
}

function bundle() {
  return new Promise((resolve, reject) => {
    webpack(options(), (error, stats) => {
      if (error) reject(error);
      else if (stats.hasErrors() || stats.hasWarnings())
        reject(
          new SetupError(
            `The verifier could not be bundled:\n${stats.toString({ all: false, errors: true, warnings: true })}`,
          ),
        );
      else resolve();
    });
  });
}

await main(bundle);
