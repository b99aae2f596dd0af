import { KINDS } from './answers/answer.js';
import { describeAnswers } from './answers/suite.js';

describeAnswers(KINDS);
