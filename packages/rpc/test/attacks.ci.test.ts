import { ATTACKS, describeAttacks, SOME_ATTACKS } from './attacks/suite.js';

describeAttacks('without TLS', ATTACKS);
describeAttacks('with TLS, and a client with a certificate,', SOME_ATTACKS);
// It handles what comes in the first read in another way.
describeAttacks('that is permissive', SOME_ATTACKS);
