"""Pages of whoever acts: inbox, votes, ballots, answers by link."""
