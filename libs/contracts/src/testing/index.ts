export { growthOf, leastCpuMs } from './cpu-time';
export { thrownCodeOf } from './thrown-code';
