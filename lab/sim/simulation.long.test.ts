import { itKeepsItsPromises } from './seeds.js';

itKeepsItsPromises(109, 240);
