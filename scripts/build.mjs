// `npm run build`
import { build, main } from './setup.mjs';

await main(build);
