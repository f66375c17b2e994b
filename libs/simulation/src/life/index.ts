import { DIRECTORY_LIFE } from './directory-life';
import type { Life } from './life';
import { NETWORK_LIFE } from './network-life';
import { PRESENCE_LIFE } from './presence-life';
import { TELEMETRY_LIFE } from './telemetry-life';

/** All kinds of ordinary life, in the order in which they are asked. */
export const LIVES: readonly Life[] = [DIRECTORY_LIFE, NETWORK_LIFE, PRESENCE_LIFE, TELEMETRY_LIFE];
