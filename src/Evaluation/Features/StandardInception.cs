namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// Recognises the Inception network of 2015 that the name FID alone stands for (Heusel et al., 2017).
/// </summary>
/// <remarks>
/// The network's weights are distributed as one checkpoint, <c>pt_inception-2015-12-05-6726825d.pth</c>, whose SHA-256 is
/// public. The importer reads that file, records its SHA-256 beside the SHA-256 of the weights it wrote, and whoever loads
/// the extractor hashes the weights again: a network that was changed after the import is refused (DQ3023). What this does
/// not do is prove the import to somebody who does not trust the folder: a person who writes both records by hand can call
/// any network standard. It guards against mistakes, not against forgery.
/// The preprocessing counts too: with an antialiasing filter the same weights give other values (clean-FID).
/// </remarks>
internal static class StandardInception
{
    /// <summary>SHA-256 of <c>pt_inception-2015-12-05-6726825d.pth</c> of pytorch-fid, which is the same file as
    /// torch-fidelity's <c>weights-inception-2015-12-05-6726825d.pth</c> (95 628 359 bytes).</summary>
    public const string CheckpointSha256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2";

    private const int Size = 299;
    private const int FeatureCount = 2048;

    /// <summary>Whether an extractor is the standard one.</summary>
    /// <param name="settings">Its settings.</param>
    /// <param name="weightsSha256">The hash of the weights that were loaded.</param>
    /// <param name="dimensions">The number of its features.</param>
    public static bool Recognises(ExtractorSettings settings, string weightsSha256, int dimensions) =>
        settings.SourceSha256 == CheckpointSha256
        && settings.WeightsSha256 == weightsSha256
        && dimensions == FeatureCount
        && settings
            is {
                Width: Size,
                Height: Size,
                Channels: 3,
                Resize: ResizeFilter.Tf1Bilinear,
                RoundAfterResize: false,
                Mean: null,
                Deviation: null,
                Low: -1,
                // (x − 128) / 128 of the original, or 2·x/255 − 1 of pytorch-fid.
                High: 127.0 / 128 or 1,
            };
}
