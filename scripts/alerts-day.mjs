// `node scripts/alerts-day.mjs [--check]`: writes docs/explanation/a-day-of-alerts.md, the alerts of one simulated day as they are
// read aloud; with `--check` only says whether it is out of date.
import { explanationPage } from './explanation-page.mjs';

await explanationPage({ module: 'alerts/index.js', make: 'alertFiles' });
