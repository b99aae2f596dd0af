import { describeAnswers } from './answers/suite.js';

// One kind with a single reply, and one with many: a reply that is missing, or one more, differs for them.
describeAnswers(['unary', 'bidiStream']);
