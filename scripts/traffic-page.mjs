// `node scripts/traffic-page.mjs [--check]`: writes docs/explanation/simulated-traffic.md and its pictures from what the simulation
// makes; with `--check` only says which of them are out of date, and exits with 1 when one is.
import { explanationPage } from './explanation-page.mjs';

await explanationPage({ module: 'traffic/index.js', make: 'trafficFiles', folder: 'plots' });
