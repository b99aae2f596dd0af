import { survives } from './survives.js';

survives(300);
