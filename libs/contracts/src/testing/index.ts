export { growthOf, leastCpuMs } from './cpu-time';
