using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion;

/// <summary>The failures of model folders, schedules, sampling and images: codes DQ1040 to DQ1069.</summary>
internal static class DiffusionErrors
{
    private const string InputRoles = "InputRoles of the item in a project, --input-role on the command line";

    [Diagnostic("DQ1040")]
    public static DiffusionQuantException NoModel(string path, string lookedFor) =>
        new(
            "DQ1040",
            $"{path}: no diffusion model is found here (looked for {lookedFor}). Give the path of the .onnx file or of the folder that holds it."
        );

    [Diagnostic("DQ1041")]
    public static DiffusionQuantException SeveralModels(string path, string candidates) =>
        new("DQ1041", $"{path}: several models could be meant: {candidates}. Give the path of one .onnx file.");

    [Diagnostic("DQ1042")]
    public static DiffusionQuantException NotADenoiser(string path, string why, string signature) =>
        new(
            "DQ1042",
            $"{path}: this is not the denoiser of a diffusion model: {why}. {signature}. Give the model that predicts noise (the unet or transformer part), or name the roles of its inputs ({InputRoles})."
        );

    [Diagnostic("DQ1043")]
    public static DiffusionQuantException BadRole(string path, string input, string why, string signature) =>
        new(
            "DQ1043",
            $"{path}: the role given for the input '{input}' does not fit: {why}. {signature}. Correct it ({InputRoles})."
        );

    [Diagnostic("DQ1044")]
    public static DiffusionQuantException UnknownSize(
        string path,
        string input,
        string meaning,
        string key,
        string? symbol
    ) =>
        new(
            "DQ1044",
            $"{path}: the {meaning} of the input '{input}' is not known: neither the graph nor config.json tells it. Put a config.json beside the model that does, {{ \"{key}\": 64 }} for instance"
                + (
                    symbol is null
                        ? "; or export the model with a fixed size."
                        : $"; or give the dimension '{symbol}' a size (--dimension {symbol}=64, or \"dimensions\" in a recipe file)."
                )
        );

    [Diagnostic("DQ1045")]
    public static DiffusionQuantException BadConfig(string path, string why, Exception? cause = null) =>
        new(
            "DQ1045",
            $"{path}: this is no readable configuration: {why}. It must be a JSON object as diffusers writes it.",
            cause
        );

    [Diagnostic("DQ1046")]
    public static DiffusionQuantException BadConfigValue(string path, string key, string value, string allowed) =>
        new("DQ1046", $"{path}: '{key}' is {value}; {allowed}. Correct the file.");

    [Diagnostic("DQ1047")]
    public static DiffusionQuantException NoSchedule(string path) =>
        new(
            "DQ1047",
            $"{path}: no scheduler_config.json is found beside the model or in a scheduler folder, so its noise schedule is not known. Copy the file from the model's source and put it beside the model."
        );

    [Diagnostic("DQ1048")]
    public static DiffusionQuantException UnknownScheduler(string path, string className)
    {
        var known = SolverKind.All.SelectMany(k => k.ClassNames).ToArray();
        return new(
            "DQ1048",
            NearMatch.Of(className, known) is { } near
                ? $"{path}: the scheduler '{className}' is not known; the nearest that is is {near}. Name that one in '_class_name' if the model was trained with its schedule."
                : $"{path}: the scheduler '{className}' is not known. Name one of these in '_class_name' if the model was trained with its schedule: {string.Join(", ", known)}."
        );
    }

    [Diagnostic("DQ1049")]
    public static DiffusionQuantException BadTimesteps(string why) =>
        new("DQ1049", $"The timesteps to sample are not usable: {why}. Correct the number of steps or the list.");

    [Diagnostic("DQ1050")]
    public static DiffusionQuantException ConditioningMissing(string path, string inputs) =>
        new(
            "DQ1050",
            $"{path}: the model needs conditioning that is not given: {inputs}. Where its folder has text encoders, give prompts (Prompts of the item in a project; --prompts, or --prompt of sample); else save it as arrays named like the inputs (a .npz file or a folder of .npy files) and name that (Conditioning of the item, --conditioning)."
        );

    [Diagnostic("DQ1051")]
    public static DiffusionQuantException BadConditioning(string source, string input, string why) =>
        new(
            "DQ1051",
            $"{source}: the conditioning for the input '{input}' does not fit: {why}. Save it again as the model takes it."
        );

    [Diagnostic("DQ1052")]
    public static DiffusionQuantException BadArrayFile(string path, string why, Exception? cause = null) =>
        new(
            "DQ1052",
            $"{path}: this is no readable NumPy array file: {why}. Save it again with numpy.save or numpy.savez.",
            cause
        );

    [Diagnostic("DQ1053")]
    public static DiffusionQuantException NoGuidance(string path, string why) =>
        new(
            "DQ1053",
            $"{path}: classifier-free guidance is not possible: {why}. Leave the guidance scale at 1, or give what is missing."
        );

    [Diagnostic("DQ1054")]
    public static DiffusionQuantException NoImages(string path, string why) =>
        NoImages(
            path,
            why,
            "Put the model's VAE decoder into the folder as vae_decoder/model.onnx; a program can take the latents themselves from the class Trajectory."
        );

    /// <summary>Pictures cannot be made latents.</summary>
    internal static DiffusionQuantException NoLatents(string path, string why) =>
        NoImages(
            path,
            why,
            "Put the model's VAE encoder into the folder as vae_encoder/model.onnx, beside its decoder."
        );

    private static DiffusionQuantException NoImages(string path, string why, string advice) =>
        new("DQ1054", $"{path}: the model's samples are no images: {why}. {advice}");

    [Diagnostic("DQ1055")]
    public static DiffusionQuantException NotFinite(string path, double timestep, string what) =>
        new(
            "DQ1055",
            $"{path}: at timestep {TimestepText.Of(timestep)} the {what} has values that are not finite. Check the model (float16 overflow is the usual cause) and its schedule."
        );

    [Diagnostic("DQ1056")]
    public static DiffusionQuantException NoResource(string assembly, string resource, string present) =>
        new(
            "DQ1056",
            $"{assembly}: there is no embedded resource '{resource}' ({present}). Check the prefix, and that the model's files are EmbeddedResource items with such LogicalNames."
        );

    [Diagnostic("DQ1057")]
    public static DiffusionQuantException BadOutput(string path, string output, string why) =>
        new(
            "DQ1057",
            $"{path}: the output '{output}' does not fit the sampler: {why}. Choose another sampler or correct the model's config."
        );

    [Diagnostic("DQ1058")]
    public static DiffusionQuantException BadSettings(
        string setting,
        string value,
        string allowed,
        Exception? cause = null
    ) => new("DQ1058", $"The setting {setting} is {value}; {allowed}. Correct it.", cause);

    [Diagnostic("DQ1060")]
    public static DiffusionQuantException SolverDoesNotFit(SolverKind solver, NoisePath path) =>
        new(
            "DQ1060",
            $"The sampler '{solver}' does not fit a model of {path.Config.ClassName}: it goes along another kind of noise. These fit: {string.Join(", ", SolverKind.All.Where(k => k.Fits(path)).Select(k => k.Name))}."
        );

    [Diagnostic("DQ1066")]
    public static DiffusionQuantException DecoderNotFinite(string path) =>
        new(
            "DQ1066",
            $"{path}: the VAE decoder gives NaN or infinite pixels for finite latents, so pictures would come out black. A float16 decoder overflows so (that of SDXL is known for it): let it compute in float32 (PipelineOptions.DecoderInFloat32, --decoder-float32 of diffquant sample), or make it so for good with Parts=\"vae_decoder=float32\"; the denoiser may stay as it is."
        );

    [Diagnostic("DQ1067")]
    public static DiffusionQuantException NoTextEncoder(string path) =>
        new(
            "DQ1067",
            $"{path}: it takes no prompt: the denoiser has no input for text, or its folder holds no text_encoder/model.onnx with a tokenizer. Give the whole folder of the pipeline, or the states of a text encoder as conditioning."
        );

    [Diagnostic("DQ1068")]
    public static DiffusionQuantException PromptCut(string what) =>
        new("DQ1068", $"{what}. Shorten it, or put first what matters.");

    [Diagnostic("DQ1069")]
    public static DiffusionQuantException BadPromptFile(string path, string why, Exception? cause = null) =>
        new(
            "DQ1069",
            $"{path}: prompts cannot be read: {why}. Give a text file in UTF-8 with one prompt a line.",
            cause
        );

    [Diagnostic("DQ1059")]
    public static DiffusionQuantException CannotWriteImage(string path, string why, Exception? cause = null) =>
        new("DQ1059", $"{path}: the image cannot be written: {why} Check the folder and its permissions.", cause);

    [Diagnostic("DQ1061")]
    public static DiffusionQuantException NoTokenizer(string folder, string encoder, string why) =>
        new(
            "DQ1061",
            $"{folder}: the tokenizer of the text encoder {encoder} is not found: {why}. Copy the tokenizer's files from the model's source; in a pipeline they lie in the folder 'tokenizer' (tokenizer_2, tokenizer_3)."
        );

    [Diagnostic("DQ1062")]
    public static DiffusionQuantException BadTokenizer(string path, string why, Exception? cause = null) =>
        new(
            "DQ1062",
            $"{path}: this is no readable tokenizer: {why.TrimEnd('.')}. Copy the tokenizer's files anew from the model's source.",
            cause
        );

    [Diagnostic("DQ1063")]
    public static DiffusionQuantException TokenizerDoesNotFit(string path, int tokens, string encoder, int rows) =>
        new(
            "DQ1063",
            $"{path}: the tokenizer has {tokens} tokens, but the text encoder {encoder} has {rows} rows in its table of embeddings, so that they belong to different models. Copy both from one source, and check that tokenizer_2 stands beside text_encoder_2."
        );

    [Diagnostic("DQ1064")]
    public static DiffusionQuantException BadTextEncoder(string path, string why, string signature) =>
        new(
            "DQ1064",
            $"{path}: the text encoder does not fit: {why}. {signature}. Export it with the names that diffusers and Optimum use: input_ids; last_hidden_state, hidden_states.N, pooler_output, text_embeds."
        );

    [Diagnostic("DQ1065")]
    public static DiffusionQuantException EncodersDoNotFit(string path, string why, string encoders) =>
        new(
            "DQ1065",
            $"{path}: the text encoders do not give what the denoiser takes: {why}. There are {encoders}. Put the model's own text encoders into its folder (text_encoder, text_encoder_2, text_encoder_3), or give the states as arrays (Conditioning of the item in a project, --conditioning on the command line)."
        );
}
