using DiffusionQuant.Tool.Review;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>accept</c> did.</summary>
/// <param name="Accepted">The snapshots that were accepted, with what changed in them.</param>
internal sealed record AcceptReport(IReadOnlyList<SnapshotReview> Accepted);

/// <summary>What <c>review</c> found.</summary>
/// <param name="Pending">The snapshots that wait to be accepted, with what would change in them.</param>
internal sealed record ReviewReport(IReadOnlyList<SnapshotReview> Pending);
