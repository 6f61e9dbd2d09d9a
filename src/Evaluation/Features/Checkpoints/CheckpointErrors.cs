using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>The failures of PyTorch checkpoints and of networks made from them: codes DQ3050 to DQ3069.</summary>
internal static class CheckpointErrors
{
    [Diagnostic("DQ3050")]
    public static DiffusionQuantException CannotRead(string path, string why, Exception? cause = null) =>
        new("DQ3050", $"{path}: the checkpoint cannot be opened: {why}. Check the path.", cause);

    [Diagnostic("DQ3051")]
    public static DiffusionQuantException NotACheckpoint(string path, string why) =>
        new(
            "DQ3051",
            $"{path}: this is no checkpoint that can be read: {why}. Give a .pth file that torch.save(model.state_dict(), path) wrote."
        );

    [Diagnostic("DQ3052")]
    public static DiffusionQuantException Damaged(string path, string why, Exception? cause = null) =>
        new("DQ3052", $"{path}: the checkpoint is damaged: {why}. Fetch or save it again.", cause);

    [Diagnostic("DQ3053")]
    public static DiffusionQuantException Refused(string path, string what) =>
        new(
            "DQ3053",
            $"{path}: the checkpoint asks for {what}, which is refused: only tensors and containers are read, and nothing in a checkpoint is ever executed. If you trust its source, load it in Python and save its tensors alone: torch.save(model.state_dict(), path)."
        );

    [Diagnostic("DQ3054")]
    public static DiffusionQuantException TooLarge(string path, string what, long most) =>
        new(
            "DQ3054",
            $"{path}: the checkpoint has {what}; at most {most} are read. Save its tensors alone: torch.save(model.state_dict(), path)."
        );

    [Diagnostic("DQ3055")]
    public static DiffusionQuantException MissingTensors(string path, string network, string names) =>
        new(
            "DQ3055",
            $"{path}: these are not the weights of {network}: there is no {names}. Give that network's own state dict."
        );

    [Diagnostic("DQ3056")]
    public static DiffusionQuantException UnknownTensors(string path, string network, string names) =>
        new(
            "DQ3056",
            $"{path}: these are not the weights of {network}: it has no {names}. Give that network's own state dict."
        );

    [Diagnostic("DQ3057")]
    public static DiffusionQuantException WrongTensor(string path, string network, string names) =>
        new(
            "DQ3057",
            $"{path}: these are not the weights of {network}: {names}. Give that network's own state dict (its classifier has 1008 classes, torchvision's 1000)."
        );

    [Diagnostic("DQ3058")]
    public static DiffusionQuantException BadValue(string path, string name, string why) =>
        new("DQ3058", $"{path}: the tensor '{name}' {why}. Fetch or save the checkpoint again.");
}
