export { forged, type Forgery } from '../proof/testing/forger';
